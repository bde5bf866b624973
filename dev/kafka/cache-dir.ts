import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what is fetched or built once is kept: `CARILLON_CACHE_DIR`, else `~/.cache/carillon`. */
export const cacheDir = (): string => process.env['CARILLON_CACHE_DIR'] ?? join(homedir(), '.cache', 'carillon');
