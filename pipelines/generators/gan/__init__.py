"""The GAN generator: a small class-conditional adversarial network, fitted from scratch."""
