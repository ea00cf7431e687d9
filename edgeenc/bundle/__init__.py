"""The folder that a user ships: put together, held against its gates, looked into, compared with others."""
