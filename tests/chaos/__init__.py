"""Faults caused on purpose: kills, damages, odd words, full disks, forbidden folders."""
