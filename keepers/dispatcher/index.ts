export { type RunningDispatcher, startDispatcher } from './start';
export type { DispatcherOptions } from './dispatcher-options';
export { DispatcherService } from './service';
export { createDispatcherServer } from './server';
