"""Mailboxes that are read by IMAP (RFC 9051), also those of somebody else's server."""
