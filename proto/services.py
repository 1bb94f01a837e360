# SPDX-License-Identifier: MIT
"""services.py FOLDER DESCRIPTORS: services.proto as the C of services.h, to
standard output."""

import os
import re
import sys

METHOD = re.compile(
    r"// (GET|POST|PUT|PATCH|DELETE) (/\S+)\n"
    r"\s*rpc (\w+)\(([\w.]+)\)\s+returns \(([\w.]+)\);")

UNARY = re.compile(r"\brpc \w+\([\w.]+\)\s+returns \([\w.]+\)")


def descriptor(name):
    """What protobuf-c calls the descriptor of a message."""
    parts = name.split(".") if "." in name else ["sy", name]
    return "__".join(re.sub(r"(?<!^)(?=[A-Z])", "_", p).lower()
                     for p in parts) + "__descriptor"


def methods(text):
    package = re.search(r"^package ([\w.]+);", text, re.M).group(1)
    for service in re.finditer(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
        found = METHOD.findall(service.group(2))
        if len(found) != len(UNARY.findall(service.group(2))):
            sys.exit(f"services.proto: a method of {service.group(1)} does "
                     "not name its route in the line above it")
        for verb, route, name, request, reply in found:
            yield (f'\t{{"/{package}.{service.group(1)}/{name}", "{verb}", '
                   f'"{route}",\n\t &{descriptor(request)},\n'
                   f'\t &{descriptor(reply)}}},')


def literal(data):
    """Text as lines of C."""
    lines = data.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join(f'\t"{line}\\n"' for line in lines[:-1])


def main():
    folder, descriptors = sys.argv[1:]
    with open(os.path.join(folder, "services.proto"), encoding="utf-8") as f:
        services = f.read()
    with open(os.path.join(folder, "switchyard.proto"), encoding="utf-8") as f:
        schema = f.read()
    with open(descriptors, "rb") as f:
        data = f.read()
    print('#include <services.pb-c.h>\n#include "proto/services.h"\n\n'
          "const struct service_method service_methods[] = {")
    print("\n".join(methods(services)))
    print("\t{0},\n};\n\nconst uint8_t service_descriptors[] = {")
    for i in range(0, len(data), 24):
        print("\t" + "".join(f"{b}," for b in data[i:i + 24]))
    print("};\nconst size_t service_descriptors_size = "
          "sizeof(service_descriptors);\n")
    print(f"const char service_schema_text[] =\n{literal(schema)};\n")
    print(f"const char service_services_text[] =\n{literal(services)};")


main()
