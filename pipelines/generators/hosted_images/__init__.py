"""The generator `hosted_images`: a service draws by the images API."""
