//! Who starts the load: schedule, pacer, connections, the start loop and the story of a run.

