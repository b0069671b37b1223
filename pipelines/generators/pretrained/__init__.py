"""The generator `pretrained`: a pipeline of diffusers that others trained."""
