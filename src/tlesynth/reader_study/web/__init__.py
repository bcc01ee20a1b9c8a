"""What both servers stand on: who may ask, how much and how often; the pages' files; the process that listens."""
