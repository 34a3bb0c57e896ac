import { CocoonError } from '../../base';

/** Asks on the terminal without showing what is typed; undefined where there is none to ask on. */
export async function askPassphrase(prompt: string): Promise<string | undefined> {
    const { stdin, stderr } = process;
    if (!stdin.isTTY) return undefined;
    stderr.write(prompt);
    stdin.setRawMode(true);
    stdin.resume();
    stdin.setEncoding('utf8');
    try {
        return await typedLine(stdin);
    } finally {
        stdin.setRawMode(false);
        stdin.pause();
        stderr.write('\n');
    }
}

function typedLine(stdin: NodeJS.ReadStream): Promise<string> {
    return new Promise((resolve, reject) => {
        let typed = '';
        const done = (act: () => void) => {
            stdin.off('data', onData);
            act();
        };
        const onData = (chunk: string) => {
            for (const character of chunk) {
                if (character === '\r' || character === '\n') return done(() => resolve(typed));
                if (character === '\u0003' || character === '\u0004')
                    return done(() => reject(new CocoonError('interrupted', 'nothing was changed', { action: 'fix' })));
                typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
            }
        };
        stdin.on('data', onData);
    });
}
