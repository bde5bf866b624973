#!/usr/bin/env node
import { onNode24 } from './node-24.js';

// graphql-js and others look for mistakes of developers unless told otherwise, with every value that they meet.
process.env.NODE_ENV ??= 'production';

await onNode24(new URL('../src/main.ts', import.meta.url));
