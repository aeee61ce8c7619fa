"""A small course in a temporary folder: one chapter and one exercise, as scripts."""

CHAPTER = """\
# %% [markdown]
# # A chapter
# Some text.

# %%
import sys

x = 0.5
print("mean accuracy", x)

# %% nas_course={"tol": {"abs": 0.02}} tags=["measured"]
print(f"accuracy {0.93:.4f} on 3 seeds")

# %%
print("progress", file=sys.stderr)
x
"""

EXERCISE = '''\
# %% [markdown]
# # An exercise
# Add two numbers.

# %% nbgrader={"grade_id": "ex-01-1-answer", "solution": true}
def add(a, b):
    """Return the sum."""
    # Which operator adds?
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION

# %% nbgrader={"grade_id": "ex-01-1-check", "grade": true, "points": 2}
2 * (add(1, 2) == 3)
### BEGIN HIDDEN TESTS
assert add(0, 0) in (0, None)
### END HIDDEN TESTS

# %% [markdown]
# **What to take away.** Addition is $a+b$.
#
# It *commutes*.
#
# ---
# ## Now a number

# %% nbgrader={"grade_id": "ex-01-2-answer", "solution": true}
size = (
    ### BEGIN SOLUTION
    14
    ### END SOLUTION
)

# %% nbgrader={"grade_id": "ex-01-2-check", "grade": true, "points": 1}
1.0 * (size == 14)
'''


def write_course(root, chapter=CHAPTER, exercise=EXERCISE):
    """Write the two scripts where the build looks for them and return the root."""
    for folder, text in (("chapters", chapter), ("exercises", exercise)):
        path = root / "source" / folder / "01_small.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
