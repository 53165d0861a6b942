"""The commands `flora-contract documents …`."""
