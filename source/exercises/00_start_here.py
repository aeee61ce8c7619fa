# %% [markdown]
# # 00 Start here: a warm-up exercise
#
# One small exercise, to see how exercises and their checks work. Write your answer where the dots
# are, run the cell, run the check below it, and go on until it is content. Chapter:
# `chapters/00_start_here.ipynb`.

# %%
from nas_course.grading import check

# %% [markdown]
# ## Exercise 00.1: how many chains are there?
#
# *Difficulty 1 of 5, about 3 minutes, 2 points.*
#
# A chain network has `layers` layers, one after the other. Each layer can be any one of
# `operations` operations; two layers may take the same one. How many different chains are there?
#
# Return a whole number. It must be exact, also for 30 layers.
#
# <details><summary>Hint 1</summary>Write down all chains of two layers with the operations a and
# b. There are more than two.</details>
# <details><summary>Hint 2</summary>One layer more: by which factor does the number
# grow?</details>
# <details><summary>Hint 3</summary>The choice of each layer is free, whatever the others take. So
# the numbers of choices multiply.</details>


# %% nbgrader={"grade_id": "ex-00-1-answer", "solution": true}
def count_chains(layers, operations):
    """How many chains of `layers` layers are there?"""
    # Hint: independent choices multiply.
    ### BEGIN SOLUTION
    return operations**layers
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-00-1-check", "grade": true, "points": 2}
check("00.1", count_chains)
