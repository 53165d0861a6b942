"""Hold a server to the contract: record what it says, judge it by oracles, show what was seen."""
