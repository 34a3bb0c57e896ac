import pino from 'pino';

export type Logger = pino.Logger;

/** Field names whose values never reach a log, wherever they sit in a logged object. */
const secretFields = [
    'mnemonic',
    'secretKey',
    'privateKey',
    'seed',
    'authorization',
    'apiKey',
    'prompt',
    'messages',
    'body',
    'answer',
];

export interface LoggerOptions {
    name: string;
    level?: string;
    /** Where lines go; standard error by default, so that standard output stays for results. */
    destination?: pino.DestinationStream;
}

export function createLogger(options: LoggerOptions): Logger {
    const redact = {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[redacted]',
    };
    return pino(
        { name: options.name, level: options.level ?? 'info', redact, timestamp: pino.stdTimeFunctions.isoTime },
        options.destination ?? pino.destination({ dest: 2, sync: false }),
    );
}

export function silentLogger(): Logger {
    return pino({ level: 'silent' });
}
