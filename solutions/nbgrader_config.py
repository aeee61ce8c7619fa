"""Settings for instructors who use nbgrader: copy this file into your nbgrader course folder.

    mkdir -p COURSE/source/08_darts
    cp solutions/nbgrader_config.py COURSE/
    cp solutions/08_darts.ipynb COURSE/source/08_darts/
    cd COURSE && nbgrader generate_assignment 08_darts

A stub of ``...`` gives the exercise notebook that learners get here: it runs from top to bottom
and earns nothing. nbgrader's own stub stops at the first unsolved exercise.
"""

c = get_config()  # noqa: F821

c.ClearSolutions.code_stub = {"python": "..."}
c.Execute.timeout = 300
c.Execute.startup_timeout = 300
c.Execute.iopub_timeout = 60
