"""What AWS is told: storage, queues, services and what watches them, as a CDK app.

`context` and `environments` say what is wanted; `app` makes the stacks of it.
"""
