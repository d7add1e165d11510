# What every target of this project shares: the language level, our warnings, sanitizers, and
# where things land. Warnings are ours alone; they never reach a user of the package.

option(XEBEC_WERROR "Treat our own warnings as errors" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    find_program(XEBEC_CCACHE ccache)
    if(XEBEC_CCACHE)
        # Paths below the source tree are made relative, so that every clone shares the cache.
        set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
            CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${XEBEC_CCACHE})
    endif()
endif()

# A unity build halves the time. It shows the names of one file to the next: whether each file includes
# what it uses is for `dev` to say, which compiles each alone. The sanitizers' builds leave all warnings
# to the others.
add_library(xebec_warnings INTERFACE)
if(CMAKE_UNITY_BUILD)
    target_compile_options(xebec_warnings INTERFACE -w)
else()
    target_compile_options(xebec_warnings INTERFACE
        -Wall -Wextra -Wpedantic -Wconversion -Wnon-virtual-dtor -Wold-style-cast
        $<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wshadow>
        -Wno-missing-field-initializers # designated initialisers leave the rest at their defaults
        # When it optimises, GCC 12 sees uninitialised members in the moves of any std::variant, and
        # overlapping copies in any string made by addition (its bugs 105562 and 105651).
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict>
        # In a unity build GCC takes a file's own types for ones that others see.
        $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>
        $<$<BOOL:${XEBEC_WERROR}>:-Werror>)
endif()

# For any x86 GCC clears a message's or a task's members with `rep stos`, which takes tens of cycles
# to begin: they were some 5 % of the broker's loop.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(xebec_clearing -mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign)
    # And it copies two words that were just written one by one with one load of 16 octets, which
    # waits until both have left the processor's buffer of stores: some 8 % of the loop.
    set(xebec_copying -fno-tree-slp-vectorize
        -mtune-ctrl=^sse_unaligned_load_optimal,^sse_unaligned_store_optimal)
endif()

if(XEBEC_SANITIZE)
    # Those checks left out look at every dereference: they double the time to compile, and what they
    # find on this machine AddressSanitizer finds too.
    # AddressSanitizer's checks are calls: in line they take a sixth longer to compile.
    add_compile_options(-fsanitize=${XEBEC_SANITIZE} -fno-omit-frame-pointer
        $<$<CXX_COMPILER_ID:GNU>:--param=asan-instrumentation-with-call-threshold=0>
        -fno-sanitize-recover=all -fno-sanitize=null,object-size,vptr)
    add_link_options(-fsanitize=${XEBEC_SANITIZE})
endif()

# Most of the time to compile a file goes into the headers of what this project stands on. Whoever says
# whether there is to be a unity build has the last word.
function(xebec_unity_when_released name)
    if(PROJECT_IS_TOP_LEVEL AND CMAKE_BUILD_TYPE STREQUAL "Release"
       AND NOT DEFINED CMAKE_UNITY_BUILD)
        set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    endif()
endfunction()

# Adds a library of this project: its folder's files see the whole tree from its root.
function(xebec_library name)
    add_library(${name} STATIC ${ARGN})
    string(REPLACE "xebec_" "xebec::" alias ${name})
    add_library(${alias} ALIAS ${name})
    string(REPLACE "xebec_" "" export_name ${name})
    set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name}
        POSITION_INDEPENDENT_CODE ON)
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_include_directories(${name}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(${name} PRIVATE ${xebec_clearing} ${xebec_copying})
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:xebec_warnings>)
    xebec_unity_when_released(${name})
endfunction()

# Adds a program of this project and installs it.
function(xebec_program name)
    add_executable(${name} ${ARGN})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE xebec_warnings)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
