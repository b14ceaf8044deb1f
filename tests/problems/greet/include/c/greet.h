/* Puts the greeting into `text`, which has room for it. */
void greeting(const char *name, int hour, char *text);
