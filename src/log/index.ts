/** Front door of the log: the embedded store, and what both kinds of log share. The port is in event-log.ts. */
export { type FolderBlockStore, openBlockStore } from './block-store.ts';
export {
  type ControlDeps,
  type ControlListener,
  type ControlOptions,
  type ControlTopic,
  type ControlValue,
  createControlTopic,
} from './control.ts';
export { type DeadLetter, readDeadLetters } from './dead-letter.ts';
export { createDeadLetters, type DeadLetters, type DeadLettersDeps, type DeadLettersOptions } from './dead-letters.ts';
export { createEmbeddedStore, type EmbeddedDeps, type EmbeddedOptions, type EmbeddedStore } from './embedded.ts';
export { partitionOf } from './murmur2.ts';
export {
  type ContentCodec,
  type ContentResult,
  createRecordCodec,
  type RecordCodec,
  type RecordCodecOptions,
} from './record-codec.ts';
export { controlTopic, deadLetterTopicOf, planTopic, type TopicPlan } from './topics.ts';
