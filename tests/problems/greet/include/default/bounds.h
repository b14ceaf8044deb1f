#define LONGEST {{longest}}
