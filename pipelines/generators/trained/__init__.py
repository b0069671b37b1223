"""What generators that train a network of their own on the mix have in common."""
