"""What customers say, in Chinese, English and a mixture, with a known sentiment and theme."""
