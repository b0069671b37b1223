"""What every package of the pipeline needs: errors, settings, seeds, the console."""
