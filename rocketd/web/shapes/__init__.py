"""What answers and requests of the control socket look like: one table, from which all that describes them is made.

That is the reference in the manual, the OpenAPI document, the types of the page, and the tests of real answers.
"""
