/** A process that says as many words as it is told to and ends with the last of them. Run by fork-worker.test.ts. */
const words = Number(process.argv[3]);
process.once('message', () => {
  for (let n = 1; n <= words; n++) {
    const word = { kind: 'failed', id: n, error: 'x'.repeat(200) };
    process.send(word, undefined, undefined, () => n === words && process.exit(7));
  }
});
