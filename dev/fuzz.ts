/** `npm run fuzz`: ten times what `npm test` does of the same tests. The seeds are printed; `CARILLON_TEST_SEED` takes one again. */
process.env['CARILLON_TEST_SCALE'] ??= '10';
process.argv.push('test/fuzz');
await import('./test.ts');
