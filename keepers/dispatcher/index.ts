export { type RunningDispatcher, startDispatcher } from './start';
export { DispatcherService, type DispatcherOptions } from './service';
export { createDispatcherServer } from './server';
