"""The structure families of the kernel; each folder is one plugin-shaped family."""
