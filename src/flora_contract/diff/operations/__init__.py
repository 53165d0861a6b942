"""What differs between two contracts in anything but schemas."""
