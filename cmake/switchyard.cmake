# SPDX-License-Identifier: MIT
# What every target of the project shares: warnings, sanitizers, libraries.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(SRTP2 REQUIRED IMPORTED_TARGET libsrtp2)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)

# Flags of our own code.  Generated code links sy_flags only.
add_library(sy_flags INTERFACE)
target_compile_options(sy_flags INTERFACE -g -fno-omit-frame-pointer)
if(SY_SANITIZE)
	target_compile_options(sy_flags INTERFACE
		-fsanitize=${SY_SANITIZE} -fno-sanitize-recover=all)
	target_link_options(sy_flags INTERFACE -fsanitize=${SY_SANITIZE})
endif()

# Some 130 executables are linked, statically against our own: with mold that
# is a sixth of the work.
find_program(SY_MOLD mold)
if(SY_MOLD)
	target_link_options(sy_flags INTERFACE -fuse-ld=mold)
endif()

add_library(sy_warnings INTERFACE)
target_compile_options(sy_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Werror)
target_include_directories(sy_warnings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(sy_warnings INTERFACE
	SY_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
target_link_libraries(sy_warnings INTERFACE sy_flags Threads::Threads)

# libre.  Its pkg-config file names no defines, yet its headers change
# the size of struct sa (HAVE_INET6) and the meaning of bool
# (HAVE_STDBOOL_H) with them: this is the one place that sets them.
pkg_check_modules(RE REQUIRED IMPORTED_TARGET libre)
add_library(sy_re INTERFACE)
target_compile_definitions(sy_re INTERFACE
	HAVE_INTTYPES_H HAVE_STDBOOL_H HAVE_INET6 USE_OPENSSL USE_TLS
	HAVE_PTHREAD RELEASE _GNU_SOURCE)
target_include_directories(sy_re SYSTEM INTERFACE /usr/include/re)
target_link_libraries(sy_re INTERFACE PkgConfig::RE)
