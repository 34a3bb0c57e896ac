export { type RunningDispatcher, startDispatcher } from './start';
export type { DispatcherOptions } from './dispatcher-options';
export { DispatcherService } from './service';
export { createDispatcherServer } from './server';
export { notAfterSecOf, readTlsPair, type TlsPair } from './tls-files';
