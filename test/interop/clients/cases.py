"""The cases of one Python program, printed as java/Cases.java prints them."""

import os
import sys
import traceback


def case(name, body):
    print(f'case {name}', flush=True)
    try:
        body()
        print(f'ok {name}', flush=True)
    except Exception as error:  # whatever a client throws
        where = traceback.extract_tb(error.__traceback__)
        lines = ' < '.join(f'{os.path.basename(frame.filename)}:{frame.lineno}' for frame in reversed(where[-4:]))
        print(f'FAILED {name}: {error!r} < {lines}'.replace('\n', ' '), flush=True)


def done():
    print('done', flush=True)
    sys.stdout.flush()
    os._exit(0)  # threads of a client that failed must not keep the program


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f'got {str(actual)[:300]}, expected {str(expected)[:300]}')


def holds(condition, what):
    if not condition:
        raise AssertionError(f'does not hold: {what}')
