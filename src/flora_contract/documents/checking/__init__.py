"""The contract as claims, held against facts."""
