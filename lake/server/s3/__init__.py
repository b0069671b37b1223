"""The S3 gateway: what S3 clients ask of a lake; a bucket is a repository, a key `ref/path`."""
