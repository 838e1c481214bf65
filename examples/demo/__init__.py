"""A rough day for a shop, on this machine: everything real but Google and the customers."""
