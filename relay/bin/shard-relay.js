#!/usr/bin/env node
// Here before the build, so that npm can link it at install time.
import '../dist/cli.js'
