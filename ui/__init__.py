"""The faces of Guanxi: screens, REST interface and command line, over the public names of `engine`."""
