"""The diffusion generator: a small class-conditional U-Net, fitted from scratch."""
