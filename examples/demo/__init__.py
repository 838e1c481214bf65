"""A shop and a queue that misbehaves, on this machine: everything is real but Google and the customers."""
