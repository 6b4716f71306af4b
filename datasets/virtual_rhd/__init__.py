"""The virtual RHD: simulated people's hands before a camera, in RHD's layout and as a stream that training draws from."""
