"""The stages of a trial that deploy: export, accuracy of the exported net, joules per image."""
