"""What moves many records in and out by way of jobs: files that people import, and files that they export."""
