"""taskhandler as it is really served: gunicorn, several processes, one ledger file, real deliveries."""
