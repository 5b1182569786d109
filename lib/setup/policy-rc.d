#!/bin/sh
# Put here by Slipway for the time of one apt-get install: packages do not start their services (101: forbidden by policy).
exit 101
