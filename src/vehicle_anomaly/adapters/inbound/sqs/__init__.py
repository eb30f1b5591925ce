"""The queue worker: requests from Amazon SQS through the same use cases, results to another queue."""
