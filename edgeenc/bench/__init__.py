"""Measurements, each in a fresh process, with its raw samples and the host it was taken on."""
