import { CocoonError } from '../base';

export type DevnetErrorCode = 'process_failed' | 'process_not_ready' | 'demo_failed' | 'port_in_use';

/** The local network could not be brought up or did not behave; the message names the log to read. */
export class DevnetError extends CocoonError<DevnetErrorCode> {
    constructor(code: DevnetErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: 'fix', cause });
    }
}
