# Images: programs whose calls to libc are bound to the simulated world.
