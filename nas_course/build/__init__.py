"""Make the notebooks in chapters/, exercises/ and solutions/ from the scripts in source/.

    python -m nas_course.build                        # write what has changed
    python -m nas_course.build --check                # say what differs, exit 1 if anything does
    python -m nas_course.build --execute 08_darts     # write, run, store the outputs

``source/chapters/NN_x.py`` becomes a chapter. ``source/exercises/NN_x.py`` becomes a solution
notebook and, with each solution replaced by ``...`` and hidden tests taken out, an exercise
notebook. Chapters and solutions are committed with their outputs, which a rebuild keeps for
cells whose code is the same. What a source file may contain: CONTRIBUTING.md.
"""
