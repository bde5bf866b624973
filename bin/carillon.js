#!/usr/bin/env node
import { onNode24 } from './node-24.js';

await onNode24(new URL('../src/cli/main.ts', import.meta.url));
