# Somebody else's image as it is, in a registry of one's own: hosts pull nothing from public ones.
ARG BASE
FROM ${BASE}
